/**
 * The pages that a person sees while linking: the login form, and a plain sentence where linking cannot go on. Only text and
 * looks are here, in the four languages of the package; no script, nothing loaded from elsewhere. Which page is shown
 * when is decided in `authorize.ts`.
 */
import { createHash } from 'node:crypto';

/** `failed`: wrong name or password; `expired`: the form lay open too long. */
export type Notice = { kind: 'failed' } | { kind: 'expired' } | { kind: 'wait'; seconds: number };

const ENGLISH = {
  title: 'Link your home to Google',
  intro: 'Sign in to link the devices of this Node-RED to your Google Account. Google will then be able to:',
  grants: [
    'see the devices that were set up for Google, and their state',
    'operate them when you ask it to, with the PIN where one is set',
  ],
  undo: 'You can unlink at any time in the Google Home app.',
  privacy: 'Google’s privacy policy',
  username: 'Name',
  password: 'Password',
  link: 'Agree and link',
  cancel: 'Cancel',
  cancelHint: 'Cancel takes you back to Google, and nothing is linked.',
  failed: 'This name and password do not match. Please try again.',
  expired: 'This page was open for a long time. Please sign in again.',
  wait: (seconds: number) => `Too many attempts. Please wait ${seconds} s, then try again.`,
  works: 'This address works',
  worksHint: 'Google’s requests arrive here. There is nothing for a browser to see, and nothing for you to do.',
  refused: 'Linking is not possible',
  refusals: {
    setup:
      'Google linking is not fully set up here: the project ID, the client ID, the client secret and at least one user must be set in Node-RED.',
    foreign:
      'This request does not come from the Google project that is set up here. In Node-RED, compare the project ID and the client ID with those in the Google Home Developer Console.',
    broken: 'This request is incomplete or came from another page. Please start again in the Google Home app.',
    unavailable: 'This cannot be saved right now. Please try again in a few minutes.',
  },
};

type Texts = typeof ENGLISH;
/** Why linking cannot go on. */
export type Refusal = keyof Texts['refusals'];

const TEXTS = {
  en: ENGLISH,
  fr: {
    title: 'Associer votre maison à Google',
    intro:
      'Connectez-vous pour associer les appareils de ce Node-RED à votre compte Google. Google pourra alors\u00a0:',
    grants: [
      'voir les appareils configurés pour Google, ainsi que leur état',
      'les commander à votre demande, avec le code PIN s’il y en a un',
    ],
    undo: 'Vous pouvez annuler l’association à tout moment dans l’application Google Home.',
    privacy: 'Règles de confidentialité de Google',
    username: 'Nom',
    password: 'Mot de passe',
    link: 'Accepter et associer',
    cancel: 'Annuler',
    cancelHint: '«\u00a0Annuler\u00a0» vous ramène à Google, sans rien associer.',
    failed: 'Nom ou mot de passe incorrect. Veuillez réessayer.',
    expired: 'Cette page est restée ouverte trop longtemps. Veuillez vous reconnecter.',
    wait: (seconds) => `Trop de tentatives. Patientez ${seconds} s, puis réessayez.`,
    works: 'Cette adresse fonctionne',
    worksHint: 'Les requêtes de Google arrivent ici. Un navigateur n’a rien à y voir, et vous n’avez rien à y faire.',
    refused: 'Association impossible',
    refusals: {
      setup:
        'L’association avec Google n’est pas entièrement configurée ici\u00a0: l’ID du projet, l’ID client, le code secret du client et au moins un utilisateur doivent être renseignés dans Node-RED.',
      foreign:
        'Cette demande ne vient pas du projet Google configuré ici. Dans Node-RED, comparez l’ID du projet et l’ID client avec ceux de la Google Home Developer Console.',
      broken:
        'Cette demande est incomplète ou provient d’une autre page. Recommencez depuis l’application Google Home.',
      unavailable: 'Enregistrement impossible pour le moment. Réessayez dans quelques minutes.',
    },
  },
  ru: {
    title: 'Связать дом с Google',
    intro: 'Войдите, чтобы связать устройства этого Node-RED со своим аккаунтом Google. После этого Google сможет:',
    grants: [
      'видеть устройства, настроенные для Google, и их состояние',
      'управлять ими по вашей просьбе, с\u00a0PIN\u2011кодом, если он задан',
    ],
    undo: 'Отменить связь можно в любой момент в приложении Google Home.',
    privacy: 'Политика конфиденциальности Google',
    username: 'Имя',
    password: 'Пароль',
    link: 'Разрешить и связать',
    cancel: 'Отмена',
    cancelHint: 'Кнопка «Отмена» вернёт вас в Google, ничего не связывая.',
    failed: 'Неверное имя или пароль. Попробуйте ещё раз.',
    expired: 'Страница была открыта слишком долго. Войдите ещё раз.',
    wait: (seconds) => `Слишком много попыток. Подождите ${seconds} с и попробуйте снова.`,
    works: 'Этот адрес работает',
    worksHint: 'Сюда приходят запросы Google. В браузере здесь смотреть нечего, и делать ничего не нужно.',
    refused: 'Связать не получится',
    refusals: {
      setup:
        'Связь с Google здесь настроена не до конца: в Node-RED нужно указать идентификатор проекта, идентификатор и секрет клиента и хотя бы одного пользователя.',
      foreign:
        'Этот запрос пришёл не от того проекта Google, который настроен здесь. Сравните идентификаторы проекта и клиента в Node-RED и в Google Home Developer Console.',
      broken: 'Запрос неполный или пришёл с другой страницы. Начните заново в приложении Google Home.',
      unavailable: 'Сейчас не удаётся сохранить данные. Попробуйте через несколько минут.',
    },
  },
  pl: {
    title: 'Połącz swój dom z Google',
    intro: 'Zaloguj się, aby połączyć urządzenia tego Node-RED ze swoim kontem Google. Google będzie wtedy mógł:',
    grants: [
      'widzieć urządzenia przygotowane dla Google i ich stan',
      'sterować nimi na Twoje polecenie, z kodem PIN, jeśli jest ustawiony',
    ],
    undo: 'Połączenie możesz w każdej chwili usunąć w aplikacji Google Home.',
    privacy: 'Polityka prywatności Google',
    username: 'Nazwa',
    password: 'Hasło',
    link: 'Zgadzam się i łączę',
    cancel: 'Anuluj',
    cancelHint: 'Przycisk „Anuluj” przenosi z powrotem do Google i niczego nie łączy.',
    failed: 'Nazwa lub hasło są nieprawidłowe. Spróbuj ponownie.',
    expired: 'Ta strona była otwarta zbyt długo. Zaloguj się ponownie.',
    wait: (seconds) => `Zbyt wiele prób. Odczekaj ${seconds} s i spróbuj ponownie.`,
    works: 'Ten adres działa',
    worksHint: 'Tutaj przychodzą żądania Google. W przeglądarce nie ma tu nic do oglądania i nic do zrobienia.',
    refused: 'Nie można połączyć',
    refusals: {
      setup:
        'Łączenie z Google nie jest tu w pełni skonfigurowane: w Node-RED trzeba podać identyfikator projektu, identyfikator i tajny klucz klienta oraz co najmniej jednego użytkownika.',
      foreign:
        'To żądanie nie pochodzi z projektu Google, który jest tu skonfigurowany. Porównaj w Node-RED identyfikator projektu i klienta z tymi w Google Home Developer Console.',
      broken: 'To żądanie jest niepełne albo pochodzi z innej strony. Zacznij od nowa w aplikacji Google Home.',
      unavailable: 'Nie można teraz zapisać danych. Spróbuj ponownie za kilka minut.',
    },
  },
} satisfies Record<string, Texts>;

/** Google asks linking pages to name it (its account-linking guide, on consent screens); it chooses the language itself. */
const PRIVACY = 'https://policies.google.com/privacy';

export type Language = keyof typeof TEXTS;

/** The first language that the pages have, of the browser's list in its order of preference, then of `locale`; else English. */
export function chooseLanguage(acceptLanguage: string | undefined, locale: string | undefined): Language {
  const wishes = (acceptLanguage ?? '').split(',').map((entry, order) => {
    const [tag = '', ...parameters] = entry.trim().split(';');
    const quality = parameters.map((text) => /^\s*q=([\d.]+)$/.exec(text)?.[1]).find((found) => found !== undefined);
    return { tag, quality: quality === undefined ? 1 : Number(quality), order };
  });
  wishes.sort((a, b) => b.quality - a.quality || a.order - b.order);
  for (const tag of [...wishes.filter((wish) => wish.quality > 0).map((wish) => wish.tag), locale ?? '']) {
    const primary = tag.split(/[-_]/)[0]?.toLowerCase() ?? '';
    if (Object.hasOwn(TEXTS, primary)) return primary as Language;
  }
  return 'en';
}

export interface LoginForm {
  language: Language;
  /** Carries the request through the form, unforgeable. */
  ticket: string;
  notice?: Notice;
  /** Shown again after a failed login. */
  username?: string;
}

/** The login form. It posts to its own address, whatever path or proxy it was reached by. */
export function loginPage({ language, ticket, notice, username = '' }: LoginForm): string {
  const words: Texts = TEXTS[language];
  const message = notice?.kind === 'wait' ? words.wait(notice.seconds) : notice && words[notice.kind];
  const failed = notice?.kind === 'failed';
  // After a mistyped password the person need not find the field again.
  const focus = username === '' ? 'username' : 'password';
  const field = (name: 'username' | 'password', extra: string): string =>
    `<label for="${name}">${escape(words[name])}</label>
<input id="${name}" name="${name}" required${failed ? ' aria-invalid="true" aria-describedby="notice"' : ''}${
      focus === name ? ' autofocus' : ''
    } ${extra}>`;
  return page(
    language,
    words.title,
    `<p>${escape(words.intro)}</p>
<ul>${words.grants.map((grant) => `<li>${escape(grant)}</li>`).join('')}</ul>
${message === undefined ? '' : `<p class="notice" id="notice" role="alert">${escape(message)}</p>`}
<form method="post" action="?">
<input type="hidden" name="ticket" value="${escape(ticket)}">
${field('username', `type="text" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" value="${escape(username)}"`)}
${field('password', 'type="password" autocomplete="current-password"')}
<div class="buttons">
<button type="submit">${escape(words.link)}</button>
<button type="submit" class="quiet" name="cancel" value="1" formnovalidate>${escape(words.cancel)}</button>
</div>
</form>
<p class="small">${escape(words.cancelHint)} ${escape(words.undo)}</p>
<p class="small"><a href="${PRIVACY}" target="_blank" rel="noopener noreferrer">${escape(words.privacy)}</a></p>`,
  );
}

/** A page that ends the linking here. It never sends the browser anywhere. */
export function refusalPage(language: Language, refusal: Refusal): string {
  const { refused, refusals } = TEXTS[language];
  return page(language, refused, `<p>${escape(refusals[refusal])}</p>`);
}

/** For a person who opens an address that serves Google alone, to see whether it is there. */
export function addressPage(language: Language): string {
  const { works, worksHint } = TEXTS[language];
  return page(language, works, `<p>${escape(worksHint)}</p>`);
}

const STYLE = `
:root{color-scheme:light dark;--ground:#eef1f6;--card:#fff;--text:#1c2330;--soft:#566072;--line:#8a94a6;--accent:#1558c0;--on:#fff;--bad:#a3160f;--badbg:#fdecea}
@media (prefers-color-scheme:dark){:root{--ground:#12151b;--card:#1d222b;--text:#e9edf4;--soft:#a9b3c4;--line:#7b8699;--accent:#8ab4f8;--on:#10203c;--bad:#ffb4ab;--badbg:#3b1a18}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:16px;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{width:100%;max-width:26.5rem;padding:28px;background:var(--card);border-radius:16px;box-shadow:0 1px 3px #0003,0 10px 34px #0002}
svg{display:block;margin-bottom:14px;color:var(--accent)}
h1{margin:0 0 8px;font-size:1.45rem;line-height:1.25}
p{margin:0 0 10px}
ul{margin:0 0 20px;padding-left:1.25rem;color:var(--soft)}
li{margin:3px 0}
label{display:block;margin:0 0 5px;font-weight:600}
input{display:block;width:100%;min-height:48px;margin:0 0 16px;padding:10px 12px;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:9px}
input:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.buttons{display:flex;flex-wrap:wrap;gap:12px;margin:8px 0 20px}
button{flex:1 1 auto;min-height:48px;padding:10px 18px;font:inherit;font-weight:600;color:var(--on);background:var(--accent);border:1px solid var(--accent);border-radius:9px;cursor:pointer}
button:hover{filter:brightness(1.08)}
.quiet{color:var(--accent);background:transparent;border-color:var(--line)}
.notice{margin:0 0 18px;padding:10px 14px;color:var(--bad);background:var(--badbg);border-left:4px solid var(--bad);border-radius:6px}
.small{margin:0 0 8px;font-size:.875rem;color:var(--soft)}
a{color:var(--accent)}
input[aria-invalid]{border-color:var(--bad)}
@media (max-width:30rem){body{place-items:start stretch;padding:0;background:var(--card)}main{max-width:none;padding:24px 20px;border-radius:0;box-shadow:none}}
`;

/** For the answer's header: no script, no frame, nothing from elsewhere, and this one style sheet. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
  // No form-action: browsers hold it against the redirects that follow the form too, and Google's end in an app.
].join('; ');

/** Two links of a chain around a house: drawn here, so that nothing needs to be loaded. */
const PICTURE = `<svg width="44" height="44" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M3 11.5 12 4l9 7.5M5.5 9.7V20h13V9.7"/><path d="M10.6 15.9h-.7a1.9 1.9 0 0 1 0-3.8h.7m2.8 0h.7a1.9 1.9 0 0 1 0 3.8h-.7M10.9 14h2.2"/></svg>`;

function page(language: Language, title: string, content: string): string {
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escape(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
${PICTURE}
<h1>${escape(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
